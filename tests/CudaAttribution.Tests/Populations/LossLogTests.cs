using CudaAttribution.Populations;
using CudaAttribution.Runs;

namespace CudaAttribution.Tests.Populations;

public class LossLogTests
{
    [Test]
    public void LossesAreKeptExactly()
    {
        float[] losses = [0.1f, 1 / 3f, 1e-9f];
        var folder = new RunFolder(TestFolder.New("run"));
        folder.Write("losses.csv", LossLog.Format(losses));
        var read = LossLog.Read(folder.Path("losses.csv"));
        Assert.That(read.Select(l => (float)l.Loss), Is.EqualTo(losses));
        Assert.That(read.Select(l => l.Step), Is.EqualTo(new[] { 1, 2, 3 }));
        folder.Write("losses.csv", "step,loss\n1,abc\n");
        Assert.That(Assert.Throws<UserException>(() => LossLog.Read(folder.Path("losses.csv")))!.Message, Does.Contain("line 2"));
    }
}
