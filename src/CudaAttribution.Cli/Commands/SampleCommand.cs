using System.CommandLine;
using CudaAttribution.Answers;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr sample</c>: pictures of a model for prompts.</summary>
internal static class SampleCommand
{
    /// <summary>Pictures smaller than this are magnified in the contact sheet.</summary>
    public const int LegibleSide = 64;

    /// <summary>diffusers' default.</summary>
    private const double DefaultStrength = 0.8;

    public static Command Create()
    {
        var model = new ModelOptionSet("--model", "The model.");
        var prompts = new Option<string[]>("--prompt") { Description = "What to draw; several allowed.", HelpName = "text" };
        var file = new Option<FileInfo?>("--prompts") { Description = "File with one prompt a line.", HelpName = "file" };
        var count = new Option<int>("--count") { Description = "Pictures of each prompt.", DefaultValueFactory = _ => 1, HelpName = "n" };
        var initial = new Option<FileInfo?>("--init-image")
        {
            Description = "Picture to start from instead of noise (image to image); cropped to its middle square and resized, as data are.",
            HelpName = "file",
        };
        var strength = new Option<double?>("--strength")
        {
            Description = $"With --init-image: the share of the steps that is taken, above 0 to 1; the more, the less of the picture is left. "
                + $"Default {DefaultStrength}.",
            HelpName = "s",
        };
        var sampling = new SamplingOptionSet();
        var runOptions = new RunOptionSet();
        var command = new Command(
            "sample",
            "Draws pictures: PNG files and a contact sheet (of the first ones, up to 67 megapixels). Picture i depends on the seed and its number only, not on what else is drawn.")
        { prompts, file, count, initial, strength };
        model.AddTo(command);
        sampling.AddTo(command);
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            string[] asked = [.. parsed.GetValue(prompts) ?? [], .. ReadPrompts(parsed.GetValue(file))];
            if (asked.Length == 0) throw new UsageException("nothing to draw: give --prompt or --prompts");
            if (parsed.GetValue(count) < 1) throw new UsageException("--count must be at least 1");
            var recipe = sampling.Read(parsed);
            var start = Start(parsed.GetValue(initial), parsed.GetValue(strength));
            using var session = new RunSession("sample", run);
            using var source = LocalModel.Open(model.Read(parsed), session.Device, recipe);
            session.Model("model", source.Identity, source.Derivation);
            if (start is not null) session.Input("init_image", ImageHash.Of(start.Picture));
            int each = parsed.GetValue(count);
            Query[] queries = Queries(asked, each, run.Seed);
            using var drawn = DrawnPictures.Open(session.Folder, source, session.Device.Math.Name, run.Seed, [.. queries.Select(q => q.Prompt)], start);
            var layout = new ContactSheetOptions
            {
                Columns = each > 1 ? each : 10,
                Magnification = Math.Max(1, LegibleSide / source.Size),
            };
            var shown = Draw(source, queries, drawn, start, ContactSheet.Room(source.Size, source.Size, layout));
            session.Folder.WriteImage("sheet.png", ContactSheet.Compose(shown, layout));
            if (shown.Length < queries.Length) Console.Error.WriteLine($"cudattr: sheet.png has room for the first {shown.Length} pictures");
            session.Finish();
            if (run.Json) Shell.WriteJson(new { images = queries.Length, folder = session.Folder.Root });
            return Shell.Done;
        });
        return command;
    }

    private static Query[] Queries(string[] prompts, int each, ulong seed)
    {
        var noise = new NoiseStream(NoisePurpose.Testing, seed, "sample");
        return [.. prompts.SelectMany(p => Enumerable.Repeat(p, each)).Select((p, i) => noise.Ask(p, i))];
    }

    /// <summary>Draws the pictures that are not there yet.</summary>
    /// <returns>The first <paramref name="room"/> of all.</returns>
    private static RgbImage[] Draw(LocalModel source, Query[] queries, DrawnPictures drawn, PictureStart? start, int room)
    {
        var first = new RgbImage[Math.Min(room, queries.Length)];
        var missing = new List<int>();
        for (int i = 0; i < queries.Length; i++)
        {
            var image = drawn.TryRead(i);
            if (image is null) missing.Add(i);
            else if (i < first.Length) first[i] = image;
        }
        int done = queries.Length - missing.Count;
        using var line = new ProgressLine("drawing");
        using var cancel = new CancelKey();
        foreach (int[] round in missing.Chunk(source.BatchSize))
        {
            var answers = source.Generate(
                [.. round.Select(i => queries[i])],
                source.Sampling,
                start,
                p => line.Report((done + p.Pictures) * (long)p.OfSteps + p.Step % p.OfSteps * round.Length, queries.Length * (long)p.OfSteps, "steps"),
                cancel.Token);
            foreach (var (i, answer) in round.Zip(answers))
            {
                var image = answer.Image ?? throw new UserException($"no picture ({answer.Failure})", "Try another prompt.");
                drawn.Write(i, image);
                if (i < first.Length) first[i] = image;
            }
            done += round.Length;
        }
        return first;
    }

    private static PictureStart? Start(FileInfo? picture, double? strength)
    {
        if (picture is null && strength is not null) throw new UsageException("--strength needs a picture to start from: give --init-image");
        if (strength is not (null or (> 0 and <= 1))) throw new UsageException($"--strength must lie above 0 and up to 1, it is {strength}");
        return picture is null ? null : new PictureStart(PictureFiles.Read(picture.FullName), strength ?? DefaultStrength);
    }

    private static IEnumerable<string> ReadPrompts(FileInfo? file) =>
        file is null ? [] : File.ReadLines(file.FullName).Where(l => l.Trim().Length > 0);
}
