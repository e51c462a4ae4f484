using System.Text.Json.Nodes;

namespace CudaAttribution.Cli.Serving;

/// <summary>How a protocol words requests, answers and errors.</summary>
internal interface IImageProtocol
{
    string Path { get; }

    /// <exception cref="BadRequestException">The request makes no sense, or asks for what the model cannot do.</exception>
    DrawRequest Read(RequestBody body, ServedModel model);

    /// <param name="pngs">The pictures' files.</param>
    /// <param name="request">What was asked.</param>
    /// <param name="model">What drew them.</param>
    JsonObject Answer(IReadOnlyList<byte[]> pngs, DrawRequest request, ServedModel model);

    JsonObject Error(int status, string message);
}
