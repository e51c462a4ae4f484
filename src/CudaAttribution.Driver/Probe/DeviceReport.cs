using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Driver.Probe;

/// <summary>Everything <c>doctor</c> shows of devices and native libraries. Pure data.</summary>
/// <param name="Host">The processor.</param>
/// <param name="Devices"><c>cpu</c>, <c>simt</c> and the CUDA devices, or one entry <c>cuda</c> that says why there is none.</param>
/// <param name="Libraries">The project's own native libraries.</param>
/// <param name="Vendor">Optional libraries of NVIDIA's.</param>
/// <param name="Auto">The device <c>auto</c> stands for.</param>
public sealed record DeviceReport(
    HostReport Host,
    IReadOnlyList<ProbedDevice> Devices,
    IReadOnlyList<ProbedLibrary> Libraries,
    IReadOnlyList<VendorLibrary> Vendor,
    AutoChoice Auto);

/// <summary>The processor this program runs on.</summary>
/// <param name="Processor">Product name.</param>
/// <param name="InstructionSets">Those of <c>avx2</c> and <c>avx512</c> that it can run.</param>
/// <param name="Processors">Hardware threads this process may use.</param>
/// <param name="MemoryBytes">Memory this process may use.</param>
public sealed record HostReport(string Processor, IReadOnlyList<string> InstructionSets, int Processors, long MemoryBytes);

/// <summary>A device that can be opened, or the reason why it cannot.</summary>
/// <param name="Id">The name that selects it.</param>
/// <param name="Info">What it is; null where it cannot be used.</param>
/// <param name="Kernels">What its kernels are loaded from, as <see cref="IModule.Image"/>; null where it cannot be used.</param>
/// <param name="Problem">Why it cannot be used; null where it can.</param>
/// <param name="Tried">Each path at which its driver library was looked for; empty for a host device.</param>
public sealed record ProbedDevice(string Id, DeviceInfo? Info, string? Kernels, string? Problem, IReadOnlyList<LibraryAttempt> Tried);

/// <summary>One of the project's own native libraries.</summary>
/// <param name="File">File name.</param>
/// <param name="Path">Full path it was loaded from; null where it could not be.</param>
/// <param name="AbiVersion">Version of its interface; null where it could not be loaded.</param>
/// <param name="Description">What it says of itself: device and processor, or the versions of the libraries inside.</param>
/// <param name="Tried">Each path at which it was looked for, with the outcome.</param>
public sealed record ProbedLibrary(string File, string? Path, int? AbiVersion, string? Description, IReadOnlyList<LibraryAttempt> Tried);
