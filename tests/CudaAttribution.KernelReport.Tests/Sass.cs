using System.Text;
using CudaAttribution.KernelReport.Sass;

namespace CudaAttribution.KernelReport.Tests;

/// <summary>Writes text as nvdisasm does, from lines that are labels (ending in a colon) or instructions.</summary>
internal static class Sass
{
    public static string Text(string kernel, string code)
    {
        var text = new StringBuilder($"\t.headerflags\t@\"EF_CUDA_SM80\"\n\n//----- .text.{kernel} -----\n\t.section\t.text.{kernel},\"ax\",@progbits\n");
        text.Append($"\t.sectioninfo\t@\"SHI_REGISTERS=24\"\n\t.align\t128\n        .global         {kernel}\n{kernel}:\n.text.{kernel}:\n");
        int address = 0;
        foreach (string line in code.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.EndsWith(':')) text.Append(line).Append('\n');
            else
            {
                text.Append($"        /*{address:x4}*/                   {line} ;\n");
                address += 16;
            }
        }
        return text.ToString();
    }

    public static SassKernel Kernel(string code) => SassFile.Parse(Text("k", code), "k.sass").Single();
}
