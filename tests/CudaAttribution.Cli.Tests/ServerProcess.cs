using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;

namespace CudaAttribution.Cli.Tests;

/// <summary><c>cudattr serve</c> as a process of its own.</summary>
internal sealed class ServerProcess : IDisposable
{
    public const string TokenVariable = "CUDATTR_TEST_SUSPECT_TOKEN";
    public const string Token = "t0k/en+of==the&suspect";

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly HttpClient _client = new();

    static ServerProcess() => Environment.SetEnvironmentVariable(TokenVariable, Token);

    public ServerProcess(params string[] more)
    {
        _process = Cudattr.Start(["serve", "--model", SmallCase.Suspect, "--token-env", TokenVariable, "--device", "cpu", .. more]);
        var listening = new TaskCompletionSource<string>();
        _process.OutputDataReceived += (_, e) =>
        {
            lock (_output) _output.AppendLine(e.Data);
            if (e.Data?.StartsWith("listening on ", StringComparison.Ordinal) == true) listening.TrySetResult(e.Data["listening on ".Length..]);
        };
        _process.ErrorDataReceived += (_, e) => { lock (_error) _error.AppendLine(e.Data); };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Assert.That(listening.Task.Wait(TimeSpan.FromMinutes(2)), "the server never said that it listens: " + _error);
        Address = listening.Task.Result;
    }

    /// <summary>Scheme, host and port, as it printed them.</summary>
    public string Address { get; }

    public string Said
    {
        get { lock (_output) lock (_error) return _output.ToString() + _error; }
    }

    /// <summary>Pictures that were drawn and sent.</summary>
    public int Drawn => Said.Split('\n').Count(l => l.StartsWith("POST ", StringComparison.Ordinal) && l.Contains(" 200 "));

    /// <summary>Sends a request and returns status and JSON.</summary>
    public (HttpStatusCode Status, JsonElement Json) Send(
        string path, string body, string? token = Token, HttpMethod? method = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Post, Address + path);
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (token is not null) request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = _client.Send(request);
        return (response.StatusCode, JsonDocument.Parse(response.Content.ReadAsStringAsync().Result).RootElement);
    }

    /// <summary>Sends a signal and waits for the end.</summary>
    /// <returns>The exit code.</returns>
    public int Stop(string signal)
    {
        using (var kill = Process.Start("kill", ["-" + signal, _process.Id.ToString()])) kill.WaitForExit();
        Assert.That(_process.WaitForExit(TimeSpan.FromSeconds(30)), $"SIG{signal} did not end it");
        _process.WaitForExit();
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _client.Dispose();
    }
}
