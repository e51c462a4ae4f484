namespace CudaAttribution.Served;

/// <summary>A picture's entry in a served log, with the proof that it is one: who has the log's root needs nothing else to check it.</summary>
/// <param name="Number">Its place in the log, from 0.</param>
/// <param name="Time">When it was served, in UTC; null where the log does not say.</param>
/// <param name="Seed">What its noise was drawn from; null where the log does not say.</param>
/// <param name="Proof">Inclusion proof, as <see cref="Chain.MerkleTree.Proof"/> gives it.</param>
public sealed record LoggedPicture(int Number, DateTime? Time, ulong? Seed, IReadOnlyList<string> Proof);
