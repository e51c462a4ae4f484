using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace CudaAttribution.Data.Datasets;

/// <summary>
/// A split of captioned pictures by what they show: pictures of one caption are all on one side, in every set, so that a network that was trained on the
/// one side has seen no drawing of what is on the other.
/// </summary>
public static class CaptionSplit
{
    /// <summary>Whether a caption is held out. By its SHA-256, so it depends on no other caption and a larger share holds out the same ones and more.</summary>
    /// <param name="caption">The caption.</param>
    /// <param name="share">Share of all captions that is held out, in [0, 1].</param>
    public static bool HoldsOut(string caption, double share)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(caption));
        return BinaryPrimitives.ReadUInt32LittleEndian(hash) < share * 4294967296.0;
    }
}
