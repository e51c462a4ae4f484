using System.CommandLine;
using System.Text.Json;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Models.Audit;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Cli.Commands;

/// <summary>
/// <c>cudattr probe</c>: one part of a model on given tensors, layer by layer if asked, to be compared with another implementation.
/// </summary>
internal static class ProbeCommand
{
    private const string Tokenize = "tokenize";

    private const string Description =
        """
        Runs one part of a model on tensors from a file and writes what it gives; everything in F32. Names and layout are diffusers', pictures
        and latents are [N,C,H,W]:
          unet         sample, timestep, encoder_hidden_states -> sample
          vae-encode   image -> moments            vae-decode   latent -> sample
          text         input_ids -> last_hidden_state
          tokenize     a JSON list of strings -> a JSON list of lists of token numbers
        With --trace the output of every layer is written too, under the name its weights have; 'cudattr diff' finds the first that drifts. A norm
        that is followed by SiLU is written with it, as NAME.silu.
        """;

    public static Command Create()
    {
        var model = new ModelOptionSet("--model", "The model; of a folder only the part needs to be there.");
        var component = new Option<string>("--component")
        {
            Description = $"The part: {string.Join(", ", ModelComponent.Names)} or {Tokenize}.",
            Required = true,
            HelpName = "name",
        };
        var inputs = new Option<FileInfo>("--inputs")
        {
            Description = "The input tensors (safetensors), or the strings (JSON) to tokenize.",
            Required = true,
            HelpName = "file",
        };
        var output = new Option<FileInfo>("--out")
        {
            Description = "File to write: safetensors, or JSON for tokenize.",
            Required = true,
            HelpName = "file",
        };
        var trace = new Option<DirectoryInfo?>("--trace") { Description = "Folder for the output of every layer.", HelpName = "folder" };
        var device = CommonOptions.Device();
        var math = CommonOptions.Math();
        var threads = CommonOptions.Threads();
        var command = new Command("probe", Description) { component, inputs, output, trace, device, math, threads };
        model.AddTo(command);
        command.SetAction(parsed =>
        {
            var path = model.Read(parsed);
            string name = parsed.GetValue(component)!;
            string from = parsed.GetValue(inputs)!.FullName, to = parsed.GetValue(output)!.FullName;
            if (name == Tokenize)
            {
                if (parsed.GetValue(trace) is not null || parsed.GetValue(threads) is not null)
                    throw new UsageException("--trace and --threads are for parts that compute, not for tokenize");
                WriteTokens(path, from, to);
                return Shell.Done;
            }
            using var opened = ComputeDevice.Open(parsed.GetValue(device)!, parsed.GetValue(math)!, threads: parsed.GetValue(threads));
            using var part = ModelComponent.Load(path, name, opened);
            if (part.Derivation is { } derivation) Console.Error.WriteLine(derivation);
            var tensors = Read(from);
            if (parsed.GetValue(trace) is { } layers) LayerTrace.Write(layers.FullName, record => Write(to, part.Run(tensors, record)));
            else Write(to, part.Run(tensors));
            return Shell.Done;
        });
        return command;
    }

    private static void WriteTokens(ModelReference model, string from, string to)
    {
        string[] texts;
        try
        {
            texts = OutsideJson.Read(File.ReadAllText(from)).Deserialize<string[]>() ?? [];
        }
        catch (JsonException e)
        {
            throw new UsageException($"{from}: a JSON list of strings is expected: {e.Message}", e);
        }
        var tokenizer = ModelTokenizer.Load(model);
        var folderOfOutput = new RunFolder(Path.GetDirectoryName(to)!);
        folderOfOutput.Write(Path.GetFileName(to), JsonSerializer.Serialize(tokenizer.Encode(texts).Chunk(tokenizer.MaxLength)) + "\n");
    }

    private static Dictionary<string, HostTensor> Read(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Tensors.Keys.ToDictionary(name => name, file.Read);
    }

    private static void Write(string path, (string Name, HostTensor Value) result)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        SafetensorsWriter.Write(path, new Dictionary<string, HostTensor> { [result.Name] = result.Value });
    }
}
