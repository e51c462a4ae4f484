using System.CommandLine;
using CudaAttribution.Answers;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Models.Diffusion;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr reconstruct</c>: pictures to noise and back.</summary>
internal static class ReconstructCommand
{
    private const int PairsInARow = 5;

    private const string Description =
        """
        Turns pictures into noise by DDIM inversion (without guidance), makes them anew from that noise, and measures how far the result is from the
        picture. A model tends to reconstruct pictures that it was trained on more closely than others; compare with a model that never saw them.
        With an autoencoder, part of each distance is the autoencoder's own. Nothing here is random.
        Writes images/ (the reconstructions), sheet.png (each picture beside its reconstruction; the first ones, up to 67 megapixels), reconstructions.json
        (schema, model, model_identity, steps, fixed_point, mean_distances, and for each picture: id, prompt, original_sha256, image, distances by
        metric) and manifest.json.
        """;

    public static Command Create()
    {
        var defaults = new InversionOptions();
        var model = new ModelOptionSet("--model", "The model.");
        var data = CommonOptions.Data("--data", "Pictures to reconstruct, each told by its caption");
        var files = new Option<FileInfo[]>("--image")
        {
            Description = "Picture to reconstruct, instead of --data; several allowed.",
            HelpName = "file",
        };
        var prompt = new Option<string?>("--prompt")
        {
            Description = "What the model is told that every picture shows; default the captions of --data, nothing for --image.",
            HelpName = "text",
        };
        var steps = new Option<int>("--steps")
        {
            Description = "DDIM steps there, and as many back.",
            DefaultValueFactory = _ => defaults.Steps,
            HelpName = "n",
        };
        var fixedPoint = new Option<int>("--fixed-point")
        {
            Description = "Fixed-point repeats of each step there, one more evaluation of the network each; 3 to 5 tighten the round trip.",
            DefaultValueFactory = _ => defaults.FixedPoint,
            HelpName = "n",
        };
        var tile = CommonOptions.Tile();
        var bad = CommonOptions.OnBadImage();
        var descriptor = CommonOptions.Descriptor();
        descriptor.Description = "Measure by this descriptor too: a folder of 'descriptor train', or a published file (.torchvision.pt, .torchscript.pt).";
        var runOptions = new RunOptionSet(random: false);
        var command = new Command("reconstruct", Description) { data, files, prompt, steps, fixedPoint, tile, bad, descriptor };
        model.AddTo(command);
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            FileInfo[] images = parsed.GetValue(files) ?? [];
            string? set = parsed.GetValue(data);
            if (set is null == (images.Length == 0)) throw new UsageException("give the pictures to reconstruct: either --data or --image");
            using var session = new RunSession("reconstruct", run);
            using var source = LocalModel.Open(model.Read(parsed), session.Device, new SamplingRecipe());
            session.Model("model", source.Identity, source.Derivation);
            var originals = set is null
                ? OfFiles(images, source.Size)
                : OfData(DataArgument.Parse(set).Load(source.Size, onBadImage: parsed.GetValue(bad)), session);
            if (parsed.GetValue(prompt) is { } same) originals = [.. originals.Select(o => o with { Prompt = same })];
            var options = new InversionOptions
            {
                Steps = parsed.GetValue(steps), FixedPoint = parsed.GetValue(fixedPoint), Tile = parsed.GetValue(tile),
            };
            var rows = Reconstruct(source, originals, options, session, parsed.GetValue(descriptor)?.FullName);
            var table = ReconstructionTable.Of(source, options.Steps, options.FixedPoint, rows);
            session.Folder.WriteJson(ReconstructionTable.FileName, table);
            session.Finish();
            if (run.Json) Shell.WriteJson(table);
            else Print(table);
            return Shell.Done;
        });
        return command;
    }

    private static List<Original> OfFiles(FileInfo[] files, int size) =>
    [
        .. files.Select(f => new Original(f.Name, "", PictureFiles.Read(f.FullName).ToSquare(size, new LoadOptions().Resize))),
    ];

    private static List<Original> OfData(CaptionedDataset data, RunSession session)
    {
        session.Input("data", data.Hash);
        return [.. data.Items.Select(i => new Original(i.Id, i.Caption, i.Image))];
    }

    /// <summary>Reconstructs a batch after the other, and keeps of each what the table and the sheet need.</summary>
    private static List<ReconstructionRow> Reconstruct(LocalModel model, List<Original> originals, InversionOptions options, RunSession session, string? descriptor)
    {
        IPictureMeasure[] metrics =
        [
            .. MeasureRegistry.PixelNames.Select(name => MeasureRegistry.Create(name, session.Device)),
            .. descriptor is null ? [] : MeasureRegistry.ByDescriptor(session.Device, descriptor),
        ];
        var layout = new ContactSheetOptions
        {
            Columns = 2 * Math.Min(PairsInARow, originals.Count),
            Magnification = Math.Max(1, SampleCommand.LegibleSide / model.Size),
        };
        int pairs = Math.Max(1, ContactSheet.Room(model.Size, model.Size, layout) / 2);
        var (rows, shown) = (new List<ReconstructionRow>(), new List<RgbImage>());
        using var line = new ProgressLine("reconstructing");
        using var cancel = new CancelKey();
        foreach (var batch in originals.Chunk(model.BatchSize))
        {
            RgbImage[] pictures = [.. batch.Select(o => o.Picture).ReadAhead()];
            var made = model.Reconstruct(
                [.. pictures.Zip(batch, (picture, o) => (picture, o.Prompt))],
                options,
                // Evaluations of the network, each for one picture.
                p => line.Report((rows.Count + p.Pictures) * (long)p.OfSteps + (long)p.Step % p.OfSteps * batch.Length, originals.Count * (long)p.OfSteps),
                cancel.Token);
            for (int i = 0; i < batch.Length; i++)
            {
                var row = ReconstructionRow.Of(rows.Count, new Reconstruction(batch[i].Id, batch[i].Prompt, pictures[i], made[i]), metrics);
                session.Folder.WriteImage(row.Image, made[i]);
                if (rows.Count < pairs) shown.AddRange(pictures[i], made[i]);
                rows.Add(row);
            }
        }
        session.Folder.WriteImage("sheet.png", ContactSheet.Compose(shown, layout));
        if (pairs < rows.Count) Console.Error.WriteLine($"cudattr: sheet.png has room for the first {pairs} pictures");
        return rows;
    }

    private static void Print(ReconstructionTable table)
    {
        string means = string.Join(", ", table.MeanDistances.Select(m => FormattableString.Invariant($"{m.Value:0.0000} {m.Key}")));
        Console.WriteLine($"{table.Pictures.Count} pictures reconstructed, mean distance {means}");
    }

    private sealed record Original(string Id, string Prompt, IPicture Picture);
}
