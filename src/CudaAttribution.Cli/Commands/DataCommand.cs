using System.CommandLine;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Runs;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr data inspect</c>: what a data set holds and what is wrong with it.</summary>
internal static class DataCommand
{
    public static Command Create()
    {
        var data = new Argument<string>("set") { Description = CommonOptions.Data().Description };
        var size = new Option<int>("--size") { Description = "Side the pictures are resized to.", DefaultValueFactory = _ => 32, HelpName = "n" };
        var bad = CommonOptions.OnBadImage();
        bad.DefaultValueFactory = _ => BadImagePolicy.Skip;
        var sheet = new Option<FileInfo?>("--sheet") { Description = "Write a contact sheet of the first 200 pictures (PNG).", HelpName = "file" };
        var json = CommonOptions.Json();
        var inspect = new Command(
            "inspect",
            "Reads a data set as training would: the layout it was recognised as (docs/datasets.md has all), counts, captions, content hash, every skipped "
            + "picture and warning.")
        { data, size, bad, sheet, json };
        inspect.SetAction(parsed =>
        {
            var set = DataArgument.Parse(parsed.GetValue(data)!).Load(parsed.GetValue(size), onBadImage: parsed.GetValue(bad));
            if (parsed.GetValue(sheet) is { } file)
            {
                var folder = new RunFolder(file.DirectoryName ?? ".");
                var first = set.Items.Take(200).Select(i => i.Image);
                folder.WriteImage(file.Name, ContactSheet.Compose([.. first], new ContactSheetOptions { Columns = 20 }));
            }
            if (parsed.GetValue(json))
            {
                Shell.WriteJson(new
                {
                    source = set.Source,
                    layout = set.Layout,
                    count = set.Count,
                    hash = set.Hash,
                    captions = set.Items.Select(i => i.Caption).Distinct().Count(),
                    skipped = set.Skipped,
                    warnings = set.Warnings,
                });
            }
            else
            {
                Print(set);
            }
            return Shell.Done;
        });
        return new Command("data", "Looks at captioned data sets.") { inspect };
    }

    private static void Print(CaptionedDataset set)
    {
        Console.WriteLine($"{set.Source}: {set.Count} pictures, {set.Items.Select(i => i.Caption).Distinct().Count()} different captions");
        if (set.Layout is { } layout) Console.WriteLine($"read as {layout}");
        if (set.Skipped.Count > 0) Console.WriteLine($"{set.Skipped.Count} pictures skipped");
        Console.WriteLine($"content SHA-256 {set.Hash}");
        foreach (var item in set.Items.Take(5)) Console.WriteLine($"  {item.Id}: {item.Caption}");
        if (set.Count > 5) Console.WriteLine($"  ... and {set.Count - 5} more");
        foreach (var skipped in set.Skipped) Console.WriteLine($"skipped {skipped.File}: {skipped.Reason}");
        foreach (var warning in set.Warnings) Console.WriteLine($"warning: {warning}");
    }
}
