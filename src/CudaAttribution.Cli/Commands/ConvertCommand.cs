using System.CommandLine;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Models.Files;
using CudaAttribution.Tensors;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr convert</c>: a model in another form.</summary>
internal static class ConvertCommand
{
    private const string SingleFile = ".safetensors";

    private const string Description =
        """
        Writes a model as a folder in diffusers' layout, or, if --out ends in .safetensors, as a single file in Stable Diffusion's original layout.
        Configurations, adapters and the choice of weights that are given here become part of the result, which every command then opens by its path
        alone. A single file comes without configuration: what was derived from its shapes is printed.
        """;

    public static Command Create()
    {
        var model = new ModelOptionSet("--model", "The model.");
        var output = new Option<string>("--out")
        {
            Description = $"Folder to write, or a file if it ends in {SingleFile}. A model that is there is replaced.",
            Required = true,
            HelpName = "path",
        };
        var type = CommonOptions.WeightType<DType?>("Type of the weights: F32, F16 or BF16; as they are if left out.");
        var json = CommonOptions.Json();
        var command = new Command("convert", Description);
        model.AddTo(command);
        foreach (Option option in new Option[] { output, type, json }) command.Add(option);
        command.SetAction(parsed =>
        {
            string to = Path.GetFullPath(parsed.GetValue(output)!);
            var reference = model.Read(parsed);
            if (Path.GetFullPath(reference.Path) == to) throw new UsageException($"--out {to} is the model itself: name another place");
            bool single = to.EndsWith(SingleFile, StringComparison.OrdinalIgnoreCase);
            if (single) Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            var stored = parsed.GetValue(type);
            var result = single ? ModelConverter.ToSingleFile(reference, to, stored) : ModelConverter.ToFolder(reference, to, stored);
            if (result.Derivation is { } derivation) Console.Error.WriteLine(derivation);
            if (parsed.GetValue(json)) Shell.WriteJson(new { model = to, parameters = result.Parameters });
            else Console.WriteLine($"{to}: {result.Parameters:N0} parameters");
            return Shell.Done;
        });
        return command;
    }
}
