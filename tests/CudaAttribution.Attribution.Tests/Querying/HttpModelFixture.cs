namespace CudaAttribution.Attribution.Tests.Querying;

/// <summary>A service that does what a test tells it to, and a run that asks it.</summary>
public abstract class HttpModelFixture
{
    private protected FakeService Service { get; private set; } = null!;

    private protected HttpFixture Http { get; private set; } = null!;

    [SetUp]
    public void Start()
    {
        Service = new FakeService();
        Http = new HttpFixture(Service);
    }

    [TearDown]
    public void Stop()
    {
        Http.Dispose();
        Service.Dispose();
    }
}
