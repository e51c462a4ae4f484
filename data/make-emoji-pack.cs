#:project ../src/CudaAttribution.Data/CudaAttribution.Data.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
// Makes data/emoji from folders of single pictures: dotnet run data/make-emoji-pack.cs -- SOURCE TARGET (see data/README.md).
using CudaAttribution.Data;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: dotnet run data/make-emoji-pack.cs -- SOURCE TARGET");
    return 2;
}
try
{
    PackIndex index = EmojiPackMaker.Write(args[0], args[1]);
    foreach (PackSheet sheet in index.Sheets)
        Console.WriteLine($"{sheet.Name}: {index.Count} pictures, {new FileInfo(Path.Combine(args[1], sheet.File)).Length} bytes, {sheet.Hash}");
    return 0;
}
catch (DatasetException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
