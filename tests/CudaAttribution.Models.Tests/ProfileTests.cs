using CudaAttribution.Models.Diffusion;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

public class ProfileTests
{
    [Test]
    public void EveryLaunchIsCountedAndTheResultIsTheSame()
    {
        using var device = ComputeDevice.Open("cpu", "kernels");
        using var model = Tiny.Model(device, ModelUse.Sampling);
        var sampler = new Sampler(model, new SampleOptions { Steps = 3 });
        var request = SampleRequest.For(["a red disc"], seed: 1);
        float[] expected = sampler.Sample(request).Values;
        device.Profile = new LaunchProfile();
        Assert.That(sampler.Sample(request).Values, Is.EqualTo(expected));
        var kernels = device.Profile.Kernels.ToDictionary(k => k.Kernel);
        Assert.That(kernels["ddim_step_f32"].Launches, Is.EqualTo(3));
        Assert.That(kernels["timestep_embedding_f32"].Launches, Is.EqualTo(3));
        // conv_norm_out, and two norms in each of two down, two mid and four up residual blocks.
        Assert.That(kernels["group_norm_silu_fwd_f32"].Launches, Is.EqualTo(3 * 17));
        Assert.That(device.Profile.Kernels.Select(k => k.Time), Is.Ordered.Descending);
        Assert.That(
            device.Profile.Total,
            Is.EqualTo(device.Profile.Kernels.Aggregate(TimeSpan.Zero, (sum, k) => sum + k.Time)).And.GreaterThan(TimeSpan.Zero));
    }
}
