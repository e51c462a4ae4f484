using System.Runtime.InteropServices;

namespace CudaAttribution.Driver.Tests.Contract;

/// <summary>The kernel the contract tests launch: y = a + b over n floats, few enough for one block.</summary>
internal static class AddKernel
{
    public const string Name = "add_fwd_f32";

    public const int Count = 1000;

    public const long Bytes = Count * sizeof(float);

    [StructLayout(LayoutKind.Sequential)]
    public struct Params
    {
        public nint A;
        public nint B;
        public nint Y;
        public long N;
    }

    public static Params Of(nint a, nint b, nint y) => new() { A = a, B = b, Y = y, N = Count };
}
