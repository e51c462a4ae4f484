using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Runs;
using CudaAttribution.Tests;

namespace CudaAttribution.Remote.Tests;

/// <summary>Prompts as AUTOMATIC1111 and ComfyUI read them: a model of each reader is the oracle.</summary>
public sealed class PromptSyntaxTests
{
    private static readonly PromptSyntax WebUi = PromptSyntax.Of(HttpPreset.Automatic1111), Comfy = PromptSyntax.Of(HttpPreset.ComfyUi);

    [TestCase("a cat (sitting)", @"a cat \(sitting\)", @"a cat \(sitting\)")]
    [TestCase("[red] cat", @"\[red\] cat", "[red] cat")]
    [TestCase(@"a\b", @"a\\b", @"a\b")]
    [TestCase(@"\(", @"\\\(", @"\\(")]
    [TestCase("plain: words, {braces} < 3", "plain: words, {braces} < 3", "plain: words, {braces} < 3")]
    public void WhatHasAnEscapeIsEscaped(string prompt, string webUi, string comfy)
    {
        Assert.That(WebUi.Escape(prompt), Is.EqualTo(webUi));
        Assert.That(Comfy.Escape(prompt), Is.EqualTo(comfy));
        Assert.That(PromptSyntax.Of(HttpPreset.OpenAiImages).Escape(prompt), Is.EqualTo(prompt));
    }

    [TestCase("a <lora:style:1> cat", "names a network", null)]
    [TestCase("cat|dog", "is a bar", null)]
    [TestCase("{cat|dog}", "is a bar", "chooses by chance")]
    [TestCase("cat AND dog", "joins prompts", null)]
    [TestCase("cat BREAK dog", "joins prompts", null)]
    [TestCase("chapter: 3", "weights the prompt", null)]
    [TestCase("ratio :-1.5 ", "weights the prompt", null)]
    [TestCase("cat #1", "begins a comment", null)]
    [TestCase("embedding:easy cat", null, "names an embedding")]
    [TestCase("sANDy BREAKfast <3 a>b: 3 cats", null, null)]
    public void WhatHasNoneIsUnsafe(string prompt, string? webUi, string? comfy)
    {
        Assert.That(WebUi.Unsafe(prompt), webUi is null ? Is.Null : Does.Contain(webUi));
        Assert.That(Comfy.Unsafe(prompt), comfy is null ? Is.Null : Does.Contain(comfy));
        Assert.That(PromptSyntax.Of(HttpPreset.OpenAiImages2023).Unsafe(prompt), Is.Null);
        Assert.That(PromptSyntax.Plain.Unsafe(prompt), Is.Null);
    }

    [Test]
    public void APromptIsTakenAsTextWhereAllServicesDo()
    {
        string folder = TestFolder.New("services");
        Directory.CreateDirectory(folder);
        string[] files = [.. new[] { "automatic1111", "comfyui", "openai-images" }.Select(preset => Path.Combine(folder, $"{preset}.json"))];
        File.WriteAllText(files[0], """{"schema": "cudattr-http-suspect-1", "preset": "automatic1111", "url": "http://localhost:7860"}""");
        File.WriteAllText(files[1], """{"schema": "cudattr-http-suspect-1", "preset": "custom", "url": "http://localhost/x", "body": {"p": "{prompt}"}, "response": {"raw": true}}""");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(PromptSyntax.TakenAsText([files[1], files[0]])("cat|dog"), Is.False);
            Assert.That(PromptSyntax.TakenAsText([files[0]])("embedding:cat"), Is.True);
            Assert.That(PromptSyntax.TakenAsText([files[1]])("cat|dog"), Is.True);
            Assert.That(PromptSyntax.TakenAsText([])("cat|dog"), Is.True);
            Assert.That(() => PromptSyntax.TakenAsText([files[2]]), Throws.InstanceOf<UserException>(), "read at once");
        }
    }

    [Test]
    public void EveryPromptThatIsAskedIsReadAsItsWords()
    {
        string[] pieces = ["(", ")", "[", "]", "{", "}", "\\", ":", "<", ">", "|", "BREAK", "AND", " ", "cat", "1.3", "lora", "embedding", "#", ",", "é"];
        var random = new SplitMix64(3);
        int asked = 0, comfyAsked = 0;
        for (int n = 0; n < 20_000; n++)
        {
            var text = new StringBuilder();
            for (int length = 1 + random.Below(8); length > 0; length--) text.Append(pieces[random.Below(pieces.Length)]);
            string prompt = text.ToString();
            if (WebUi.Unsafe(prompt) is null)
            {
                Assert.That(ReadByWebUi(WebUi.Escape(prompt)), Is.EqualTo(prompt));
                asked++;
            }
            if (Comfy.Unsafe(prompt) is not null) continue;
            Assert.That(ReadByComfy(Comfy.Escape(prompt)), Is.EqualTo(prompt));
            comfyAsked++;
        }
        Assert.That(asked, Is.GreaterThan(1000));
        Assert.That(comfyAsked, Is.GreaterThan(10_000));
        Assert.That(ReadByWebUi("(cat)"), Is.Not.EqualTo("cat"), "the oracle weights");
        Assert.That(ReadByComfy("(cat)"), Is.Not.EqualTo("cat"));
    }

    /// <summary>The text that is drawn; anything that weights, joins, schedules or removes shows as ‹…›.</summary>
    private static string ReadByWebUi(string prompt)
    {
        prompt = Regex.Replace(prompt, "#[^\n]*", "‹comment›");
        prompt = Regex.Replace(prompt, @"<(\w+):([^>]+)>", "‹network›");
        prompt = Regex.Replace(prompt, @"\bAND\b", "‹and›");
        prompt = Regex.Replace(prompt, @"\s*:\s*[-+]?(\d+\.?|\d*\.\d+)\s*$", "‹weight›");
        var read = new StringBuilder();
        for (int i = 0; i < prompt.Length; i++)
        {
            char c = prompt[i];
            if (c == '\\' && i + 1 < prompt.Length && "()[]\\".Contains(prompt[i + 1])) read.Append(prompt[++i]);
            else if (c is '\\' or '(' or ')' or '[' or ']' or '|') read.Append(CultureInfo.InvariantCulture, $"‹{c}›");
            else read.Append(c);
        }
        return Regex.Replace(read.ToString(), @"\s*\bBREAK\b\s*", "‹break›");
    }

    private static string ReadByComfy(string prompt)
    {
        string text = prompt.Replace(@"\)", "\u0001").Replace(@"\(", "\u0002").Replace("(", "‹(›").Replace(")", "‹)›");
        return Regex.Replace(text, @"\bembedding:", "‹embedding›").Replace('\u0001', ')').Replace('\u0002', '(');
    }
}
