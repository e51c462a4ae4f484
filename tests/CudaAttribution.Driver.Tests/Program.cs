using CudaAttribution.Driver.Tests.Cuda;

// The child process of the fake-driver tests: dotnet CudaAttribution.Driver.Tests.dll <scenario>.
return FakeCudaScenarios.Run(args);
