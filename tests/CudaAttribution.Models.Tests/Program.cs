using CudaAttribution.Models.Tests.ResNet;

// The child process of the tests that kill a training: dotnet CudaAttribution.Models.Tests.dll <checkpoint folder>.
return KilledTraining.Run(args);
