#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
// Copies the part of .NET that a program needs: dotnet run build/framework-closure.cs -- PROGRAM FRAMEWORK TARGET
// PROGRAM: the folder of its assemblies; FRAMEWORK: .../shared/Microsoft.NETCore.App/<version>. What is found by reflection alone is not seen.
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

if (args.Length != 3)
{
    Console.Error.WriteLine("usage: dotnet run build/framework-closure.cs -- PROGRAM FRAMEWORK TARGET");
    return 2;
}
var (program, framework, target) = (args[0], args[1], args[2]);
var open = new Stack<string>(Directory.EnumerateFiles(program, "*.dll"));
var seen = new HashSet<string>();
Copy("System.Private.CoreLib.dll");
while (open.TryPop(out string? file))
{
    using var image = new PEReader(File.OpenRead(file));
    if (!image.HasMetadata) continue;
    var metadata = image.GetMetadataReader();
    foreach (var handle in metadata.AssemblyReferences) Copy(metadata.GetString(metadata.GetAssemblyReference(handle).Name) + ".dll");
}
string[] native = ["libcoreclr.so", "libclrjit.so", "libhostpolicy.so", "libSystem.Native.so", "libSystem.IO.Compression.Native.so",
    "libSystem.Security.Cryptography.Native.OpenSsl.so", "Microsoft.NETCore.App.deps.json", "Microsoft.NETCore.App.runtimeconfig.json"];
foreach (string name in native) File.Copy(Path.Combine(framework, name), Path.Combine(target, name));
return 0;

void Copy(string name)
{
    string source = Path.Combine(framework, name);
    if (!File.Exists(source) || !seen.Add(name)) return;
    File.Copy(source, Path.Combine(target, name));
    open.Push(source);
}
