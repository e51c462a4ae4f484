using System.CommandLine;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Cli.Serving;
using CudaAttribution.Remote;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Served;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr serve</c>: offers a model over HTTP.</summary>
internal static class ServeCommand
{
    private const string Description =
        """
        Offers a model over HTTP, as a black-box suspect is offered: POST /v1/images/generations (OpenAI-images-like, b64_json) and
        POST /sdapi/v1/txt2img (AUTOMATIC1111-like), behind a bearer token, one picture at a time. Ctrl+C or SIGTERM stops it.

        A whole black-box attribution on one machine:
          export SUSPECT_TOKEN=$(head -c 24 /dev/urandom | base64)
          cudattr serve --model other/model --token-env SUSPECT_TOKEN --suspect-file http.json &
          until [ -s http.json ]; do sleep 1; done
          cudattr attribute --keys keys/keys --suspect http.json --null null/null.json --out indications
        The file of --suspect-file asks with exact noise ("exact_noise": true): the distances are then, bit for bit, those of
        'attribute --suspect other/model'. A "seed" gives the first picture that 'cudattr sample' draws with that --seed.
        """;

    public static Command Create()
    {
        var model = new ModelOptionSet("--model", "The model to offer.");
        var tokenVariable = new Option<string>("--token-env")
        {
            Description = "Name of the environment variable that holds the token callers must show.",
            Required = true,
            HelpName = "name",
        };
        var bind = new Option<string>("--bind")
        {
            Description = "Address to listen on. Any but 127.0.0.1 and ::1 lets other machines in and needs --allow-remote.",
            DefaultValueFactory = _ => IPAddress.Loopback.ToString(),
            HelpName = "address",
        };
        var port = new Option<int>("--port")
        {
            Description = "Port; 0 takes a free one and prints it. An attribution that goes on later needs the port that it began with.",
            DefaultValueFactory = _ => 0,
            HelpName = "n",
        };
        var allowRemote = new Option<bool>("--allow-remote")
        {
            Description = "Let other machines in. What they send, the token too, is not encrypted: put a proxy with TLS in front.",
        };
        var suspectFile = new Option<FileInfo?>("--suspect-file")
        {
            Description = "Write a description of this server for 'attribute --suspect' once it listens; an older file is removed at once.",
            HelpName = "file",
        };
        var servedLog = new Option<DirectoryInfo?>("--served-log")
        {
            Description = "Keep every picture that goes out, with its prompt, time and seed, in a log that cannot be changed unnoticed; "
                + "an audit ranks a suspect's answers against it. See 'cudattr served --help'.",
            HelpName = "folder",
        };
        var accountHeader = new Option<string?>("--account-header")
        {
            Description = "Header of a request that names the account, for the log. Set it in the proxy that knows the callers, over what they send.",
            HelpName = "name",
        };
        var sampling = new SamplingOptionSet();
        var device = CommonOptions.Device();
        var math = CommonOptions.Math();
        var threads = CommonOptions.Threads();
        var command = new Command("serve", Description)
        {
            tokenVariable, bind, port, allowRemote, suspectFile, servedLog, accountHeader, device, math, threads,
        };
        model.AddTo(command);
        sampling.AddTo(command);
        command.SetAction(parsed =>
        {
            var address = Address(parsed.GetValue(bind)!, parsed.GetValue(allowRemote));
            int number = parsed.GetValue(port);
            if (number is < 0 or > 65535) throw new UsageException($"--port {number} is no port: use 0 to 65535");
            string variable = parsed.GetValue(tokenVariable)!;
            var token = BearerToken.FromEnvironment(variable, remote: !IPAddress.IsLoopback(address));
            string? header = parsed.GetValue(accountHeader);
            if (header is not null && parsed.GetValue(servedLog) is null)
                throw new UsageException("--account-header has no effect without --served-log: accounts are kept in that log only");
            if (header is not null && !header.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
                throw new UsageException($"--account-header {header} is no name of a header: use letters, digits and hyphens, as in X-Account");
            using var opened = ComputeDevice.Open(parsed.GetValue(device)!, parsed.GetValue(math)!, threads: parsed.GetValue(threads));
            using var served = LocalModel.Open(model.Read(parsed), opened, sampling.Read(parsed));
            if (served.Derivation is { } derivation) Console.Error.WriteLine(derivation);
            using var log = parsed.GetValue(servedLog) is { } folder
                ? ServedLogWriter.Open(new RunFolder(folder.FullName), Header(served, opened))
                : null;
            var file = parsed.GetValue(suspectFile);
            file?.Delete();
            Console.Error.WriteLine(
                $"cudattr serve: {served.Name}, {served.Size} x {served.Size}, {opened.Driver.Info.Id} ({opened.Driver.Info.Units()}), maths {opened.Math.Name}; "
                + $"POST {string.Join(" or ", ModelServer.Paths)} with the bearer token in {variable}; Ctrl+C stops");
            // Not an asynchronous action: the command line would then end the process two seconds after a signal, finished or not.
            Serve(new ModelServer(served, new PictureKeeper(log, header), token, address, number, Console.Error.WriteLine), Listening).GetAwaiter().GetResult();
            Console.Error.WriteLine("cudattr serve: stopped");
            return Shell.Done;

            void Listening(Uri url)
            {
                if (file is not null) WriteDescription(file, url, served.Name, variable);
                Console.WriteLine($"listening on {url.GetLeftPart(UriPartial.Authority)}");
            }
        });
        return command;
    }

    private static ServedLogHeader Header(LocalModel model, ComputeDevice device) => new(
        ServedLogHeader.CurrentSchema, model.Identity, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(model.Configuration))),
        device.Math.Name, model.Sampling, RunManifest.ProgramVersion);

    private static async Task Serve(ModelServer server, Action<Uri> listening)
    {
        await using (server)
        {
            listening(await server.Start());
            await server.WaitUntilStopped();
        }
    }

    private static IPAddress Address(string text, bool allowRemote)
    {
        if (!IPAddress.TryParse(text, out var address))
        {
            throw new UsageException(
                $"--bind {text} is no address: use 127.0.0.1, ::1, or with --allow-remote an address of this machine or 0.0.0.0");
        }
        return IPAddress.IsLoopback(address) || allowRemote
            ? address
            : throw new UsageException($"--bind {text} lets other machines use the model: add --allow-remote if that is meant");
    }

    private static void WriteDescription(FileInfo file, Uri url, string name, string tokenVariable)
    {
        bool any = url.Host is "0.0.0.0" or "[::]";
        var description = new JsonObject
        {
            ["schema"] = HttpDescription.CurrentSchema,
            ["name"] = name,
            ["preset"] = "automatic1111",
            ["url"] = any ? $"http://127.0.0.1:{url.Port}" : url.GetLeftPart(UriPartial.Authority),
            ["headers"] = new JsonObject { ["Authorization"] = new JsonObject { ["env"] = tokenVariable, ["prefix"] = "Bearer " } },
            ["exact_noise"] = true,
        };
        new RunFolder(file.DirectoryName!).Write(file.Name, description.ToJsonString(Json.Options) + "\n");
    }
}
