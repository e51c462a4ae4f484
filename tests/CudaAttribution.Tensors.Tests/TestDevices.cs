using CudaAttribution.Driver;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Tensors.Tests;

/// <summary>The devices of this machine, opened once, with guard bands around every tensor.</summary>
[SetUpFixture]
public sealed class TestDevices
{
    private static readonly Dictionary<string, ComputeDevice> Opened = [];

    public static ComputeDevice Get(string id, string math = "kernels")
    {
        lock (Opened)
        {
            string key = $"{id} {math}";
            if (!Opened.TryGetValue(key, out var device)) Opened[key] = device = ComputeDevice.Open(id, math, guardBands: true);
            return device;
        }
    }

    /// <summary>Skips the test, with the driver's reason, where there is no GPU.</summary>
    public static ComputeDevice GetGpu(string math = "kernels")
    {
        try
        {
            return Get("cuda:0", math);
        }
        catch (DeviceException e)
        {
            Assert.Ignore($"no GPU: {e.Message}");
            throw;
        }
    }

    [OneTimeTearDown]
    public void Close()
    {
        foreach (var device in Opened.Values) device.Dispose();
        Opened.Clear();
    }
}
