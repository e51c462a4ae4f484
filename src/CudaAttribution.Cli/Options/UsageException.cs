namespace CudaAttribution.Cli.Options;

/// <summary>What the command line asks for makes no sense; the message names the options and says what does.</summary>
internal sealed class UsageException(string message, Exception? inner = null) : Exception(message, inner);
