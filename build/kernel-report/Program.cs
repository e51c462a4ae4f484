using CudaAttribution.KernelReport;
using CudaAttribution.KernelReport.Bench;
using CudaAttribution.KernelReport.Page;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: kernel-report DUMP PAGE.md    (DUMP: what build/check-ptxas.sh --dump wrote)");
    return 2;
}
try
{
    string page = KernelPage.Write(ModuleReading.Of(args[0]), BenchPlan.All());
    File.WriteAllText(args[1] + ".new", page);
    File.Move(args[1] + ".new", args[1], overwrite: true);
    Console.WriteLine($"{args[1]}: written");
    return 0;
}
catch (Exception e) when (e is InvalidDataException or IOException)
{
    Console.Error.WriteLine($"kernel-report: {e.Message}");
    return 1;
}
