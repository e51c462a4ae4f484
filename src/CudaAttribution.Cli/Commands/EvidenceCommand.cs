using System.CommandLine;
using CudaAttribution.Chain;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments.Audits;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr evidence</c>: what lets the other side check a result.</summary>
internal static class EvidenceCommand
{
    private const string StampDescription =
        """
        Writes a request for a time stamp (RFC 3161) of the commitment in FOLDER/commit.json. Any time-stamping service answers it:
          cudattr evidence stamp audit
          curl -H "Content-Type: application/timestamp-query" --data-binary @audit/commit.tsq https://SERVICE > audit/commit.tsr
          cudattr evidence check-stamp audit --reply audit/commit.tsr --trust SERVICE.pem
        The service learns a hash and nothing else. Its stamp shows that what was committed to was fixed by then: a plan, or a log of what was served.
        """;

    private const string CheckDescription =
        """
        Checks a service's reply: it answers the request of 'evidence stamp' for FOLDER/commit.json, is signed by the certificate inside, and that is for
        time stamping. With --trust the signer must be one of those certificates, or certified under one, at the time of the stamp. Without it the stamp is
        signed by whoever made it: anybody can make a certificate and date a stamp as they like.
        Exit code 3: the reply does not check.
        """;

    private const string UntrustedSigner =
        "the signer is vouched for by nobody: without --trust a stamp is signed by whoever made it, and shows a time to no one";

    public static Command Create() => new("evidence", "Commitments, time stamps and keys, for those who check a result.")
    {
        CreateVerify(), CreateReplay(), CreateSign(), CreateStamp(), CreateCheckStamp(), CreateKeygen(),
    };

    private static Argument<DirectoryInfo> Folder() => new("folder") { Description = "Folder with commit.json: of an audit, or of a served log." };

    private static Command CreateVerify()
    {
        var folder = new Argument<DirectoryInfo>("folder") { Description = "Folder that 'audit' wrote." };
        var commit = new Option<string?>("--commit")
        {
            Description = "What the plan committed to, known from elsewhere: noted, published or time-stamped before the suspects were asked. Without it the "
                + "folder's own word is taken for it, and an owner who made all of it anew would not be found out.",
            HelpName = "hash",
        };
        var signer = new Option<FileInfo?>("--public") { Description = "The public key that must have signed the audit ('evidence sign').", HelpName = "file" };
        var device = CommonOptions.Device();
        var command = new Command(
            "verify",
            "Checks an audit offline: every hash, the choice of prompts, every distance, rank, p and E is computed again and must be the same, bit for bit; and "
            + "every served picture is proved to be in the log whose Merkle root the plan names, without the log. Exit code 3, and the first thing that was "
            + "touched, where something is not.")
        { folder, commit, signer, device };
        command.SetAction(parsed =>
        {
            using var compute = ComputeDevice.Open(parsed.GetValue(device)!);
            string root = parsed.GetValue(folder)!.FullName;
            string? fault = AuditVerifier.FirstFault(root, compute, parsed.GetValue(commit));
            if (fault is null && parsed.GetValue(signer) is { } key && !SealSignature.IsBy(root, VerifyingKey.Read(key.FullName)))
                fault = $"{SealSignature.FileName} is not the signature of {key.FullName}";
            if (fault is not null)
            {
                Console.Error.WriteLine($"cudattr: {fault}");
                return Shell.CheckFailed;
            }
            Console.WriteLine($"{root}: everything is as it was sealed, and the verdicts are what the answers give");
            return Shell.Done;
        });
        return command;
    }

    private static Command CreateReplay()
    {
        var folder = new Argument<DirectoryInfo>("folder") { Description = "Folder that 'audit' wrote." };
        var model = new ModelOptionSet("--model", "A suspect or control of the audit, on this machine.");
        var device = CommonOptions.Device();
        var command = new Command(
            "replay",
            "Asks a local model of an audit all its queries again, with the same noise, and compares pixel by pixel. Exit code 3 where an answer differs.")
        { folder, device };
        model.AddTo(command);
        command.SetAction(parsed =>
        {
            using var compute = ComputeDevice.Open(parsed.GetValue(device)!);
            Replayed replayed;
            using (var line = new ProgressLine("asking again"))
            using (var cancel = new CancelKey())
            {
                replayed = new AuditReplay(parsed.GetValue(folder)!.FullName, compute)
                    .Run(model.Read(parsed), (done, of) => line.Report(done, of), cancel.Token);
            }
            Console.WriteLine($"{replayed.Name}: {replayed.Same} of {replayed.Answers} answers are the same");
            return replayed.Same == replayed.Answers ? Shell.Done : Shell.CheckFailed;
        });
        return command;
    }

    private static Command CreateSign()
    {
        var folder = new Argument<DirectoryInfo>("folder") { Description = "Folder that 'audit' wrote." };
        var key = new Option<FileInfo>("--key") { Description = "The private key, of 'evidence keygen'.", Required = true, HelpName = "file" };
        var command = new Command("sign", $"Signs the seal of an audit (Ed25519) and writes {SealSignature.FileName}; 'verify --public' checks it.") { folder, key };
        command.SetAction(parsed =>
        {
            string root = parsed.GetValue(folder)!.FullName;
            SealSignature.Sign(root, SigningKey.Read(parsed.GetValue(key)!.FullName));
            Console.WriteLine($"{Path.Combine(root, SealSignature.FileName)}: signed");
            return Shell.Done;
        });
        return command;
    }

    private static Command CreateStamp()
    {
        var folder = Folder();
        var output = new Option<FileInfo?>("--out") { Description = "The request; default FOLDER/commit.tsq.", HelpName = "file" };
        var command = new Command("stamp", StampDescription) { folder, output };
        command.SetAction(parsed =>
        {
            string root = parsed.GetValue(folder)!.FullName;
            var commitment = Commitment.Read(root);
            var file = parsed.GetValue(output) ?? new FileInfo(Path.Combine(root, TimeStamp.RequestFile));
            new RunFolder(file.DirectoryName!).Write(file.Name, TimeStamp.Request(commitment));
            Console.WriteLine($"{file.FullName}: asks for a time stamp of the commitment {commitment.Commit}");
            return Shell.Done;
        });
        return command;
    }

    private static Command CreateCheckStamp()
    {
        var folder = Folder();
        var reply = new Option<FileInfo>("--reply") { Description = "The service's reply.", Required = true, HelpName = "file" };
        var trust = new Option<FileInfo?>("--trust")
        {
            Description = "Certificates (PEM) of the service, or of who certifies it, as they publish them.",
            HelpName = "file",
        };
        var json = CommonOptions.Json();
        var command = new Command("check-stamp", CheckDescription) { folder, reply, trust, json };
        command.SetAction(parsed =>
        {
            var commitment = Commitment.Read(parsed.GetValue(folder)!.FullName);
            string? certificates = parsed.GetValue(trust)?.FullName;
            TimeStamp stamp;
            try
            {
                stamp = TimeStamp.CheckFile(commitment, parsed.GetValue(reply)!.FullName, certificates);
            }
            catch (StampException e)
            {
                Console.Error.WriteLine($"cudattr: {e.Message}");
                return Shell.CheckFailed;
            }
            if (parsed.GetValue(json))
                Shell.WriteJson(new { commit = commitment.Commit, time = stamp.Time, serial = stamp.Serial, signer = stamp.Signer, trusted = stamp.Trusted });
            else
                Console.WriteLine(
                    $"{commitment.Commit} was stamped {stamp.Time:yyyy-MM-dd HH:mm:ss} UTC by {stamp.Signer}, serial {stamp.Serial}"
                    + (stamp.Trusted ? $", vouched for by {certificates}" : ""));
            if (!stamp.Trusted) Console.Error.WriteLine($"warning: {UntrustedSigner}");
            return Shell.Done;
        });
        return command;
    }

    private static Command CreateKeygen()
    {
        var output = new Option<FileInfo>("--out")
        {
            Description = "The private key, which only you may read (PEM); the public one lies beside it as NAME.pub.pem.",
            Required = true,
            HelpName = "file",
        };
        var command = new Command("keygen", "Makes a key to sign results with (Ed25519). Give away the public one beforehand, keep the private one.") { output };
        command.SetAction(parsed =>
        {
            string secret = parsed.GetValue(output)!.FullName, open = Path.ChangeExtension(secret, ".pub.pem");
            if (File.Exists(open)) throw new UsageException($"--out {secret}: there is a public key already, {open}; name another file");
            var key = SigningKey.New();
            key.Write(secret);
            key.Public.Write(open);
            Console.WriteLine($"{open}: public key {key.Public.Text}");
            return Shell.Done;
        });
        return command;
    }
}
