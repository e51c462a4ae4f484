using CudaAttribution.Answers;
using CudaAttribution.Images;

namespace CudaAttribution.Tests.Answers;

/// <summary>Answers that say nothing about a model.</summary>
public class UsabilityTests
{
    private static readonly RgbImage Sound = Two(8, 8, 5);

    [TestCase(1, 1, "1 x 1 pixels")]
    [TestCase(7, 64, "7 x 64 pixels")]
    [TestCase(64, 7, "64 x 7 pixels")]
    [TestCase(8, 8, null)]
    public void TinyPicturesAreNone(int width, int height, string? named)
    {
        if (named is null) Assert.That(Usability.Problem(Two(width, height, 255)), Is.Null);
        else Assert.That(Usability.Problem(Two(width, height, 255)), Does.Contain(named));
    }

    [TestCase(0, "all black")]
    [TestCase(4, "all black")]
    public void BlackPicturesAreNone(byte level, string named) =>
        Assert.That(Usability.Problem(RgbImage.Filled(64, 32, level, 0, level)), Does.Contain(named));

    [Test]
    public void PicturesOfOneColourAreNone()
    {
        Assert.That(Usability.Problem(RgbImage.Filled(8, 8, 255, 128, 1)), Does.Contain("one colour, #ff8001"));
        Assert.That(Usability.Problem(Two(64, 64, 4)), Does.Contain("one colour"), "±2 of 255");
        Assert.That(Usability.Problem(Two(64, 64, 5)), Is.Null);
        for (int channel = 0; channel < 3; channel++)
        {
            var image = RgbImage.Filled(8, 8, 90, 100, 110);
            image.Pixels[^(channel + 1)] += 5;
            Assert.That(Usability.Problem(image), Is.Null, "any channel may differ, at any place");
        }
    }

    [Test]
    public void ABlankAnswerOfAModelIsAFailureAndEveryOtherIsUntouched()
    {
        var answers = new[] { Answer.Of(RgbImage.Filled(8, 8, 0, 0, 0)), Answer.Of(Sound), Answer.Failed("refused") };
        Assert.That(Usability.Checked(answers[0]).Failure, Does.Contain("all black"));
        Assert.That(Usability.Checked(answers[1]), Is.SameAs(answers[1]));
        Assert.That(Usability.Checked(answers[2]), Is.SameAs(answers[2]));
        var model = new Blank();
        Assert.That(model.Answers([new Query("p", default)])[0].Failure, Does.Contain("all black"));
        Assert.That(((IImageModel)model).Ask([new Query("p", default)]).Single().Answer.Failure, Does.Contain("all black"));
    }

    [TestCase(1, 5, false)]
    [TestCase(2, 5, true)]
    public void MoreThanPlannedIsTooMuch(int failed, int all, bool tooMany)
    {
        var usability = Usability.Of(Run(all, i => i < failed ? Answer.Failed("refused") : Answer.Of(Two(8, 8, (byte)(10 + i)))));
        Assert.That(usability, Is.EqualTo(new Usability(all, failed, 0.2, "refused")));
        Assert.That(usability.TooMany, Is.EqualTo(tooMany));
        Assert.That(Usability.Of(Run(all, i => i < failed ? Answer.Failed("refused") : Answer.Of(Two(8, 8, (byte)(10 + i)))), 0.5).TooMany, Is.False);
    }

    [Test]
    public void TheCommonestReasonIsNamed()
    {
        string[] reasons = ["broken", "refused: request 1", "broken", "refused: request 2", "refused: request 2"];
        var usability = Usability.Of(reasons.Select((r, i) => ($"p{i}", Answer.Failed(r))));
        Assert.That(usability.Reason, Is.EqualTo("refused: request 2"));
        Assert.That(usability.ToString(), Is.EqualTo(
            "5 of 5 answers are unusable (100 %, planned are 20 % at most), most often: refused: request 2"));
    }

    [Test]
    public void OnePictureForAllPromptsIsNoAnswer()
    {
        Assert.That(Usability.Of(Run(3, _ => Answer.Of(Two(8, 8, 9)))), Has.Property("Unusable").EqualTo(3).And.Property("TooMany").True);
        Assert.That(Usability.Of(Run(3, _ => Answer.Of(Two(8, 8, 9)))).Reason, Does.Contain("same picture").And.Contain("3 different prompts"));
        Assert.That(Usability.Of(Run(2, _ => Answer.Of(Two(8, 8, 9)))).Unusable, Is.Zero, "two may be alike");
        Assert.That(Usability.Of(Run(9, i => Answer.Of(Two(8, 8, (byte)(i == 8 ? 10 : 9))))).Unusable, Is.Zero, "one differs");
        Assert.That(Usability.Of(Run(5, _ => Answer.Of(Two(8, 8, 9))).Select(a => ("p", a.Answer))).Unusable, Is.Zero, "one prompt");
        Assert.That(Usability.Of(Run(5, i => i == 2 ? Answer.Failed("refused") : Answer.Of(Two(8, 8, 9)))).Unusable, Is.EqualTo(5));
        Assert.That(Usability.Of([]), Is.EqualTo(new Usability(0, 0, 0.2, null)));
    }

    private static IEnumerable<(string Prompt, Answer Answer)> Run(int count, Func<int, Answer> answer) =>
        Enumerable.Range(0, count).Select(i => ($"p{i}", answer(i)));

    /// <summary>Grey with one pixel that is lighter.</summary>
    private static RgbImage Two(int width, int height, byte difference)
    {
        var image = RgbImage.Filled(width, height, 0, 0, 0);
        Array.Fill<byte>(image.Pixels, (byte)(255 - difference));
        image.Pixels[0] = 255;
        return image;
    }

    private sealed class Blank : IImageModel
    {
        public string Name => "blank";

        public string Identity => "blank";

        public IReadOnlyList<Answer> Generate(IReadOnlyList<Query> queries, CancellationToken cancel = default) =>
            [.. queries.Select(_ => Answer.Of(RgbImage.Filled(8, 8, 0, 0, 0)))];
    }
}
