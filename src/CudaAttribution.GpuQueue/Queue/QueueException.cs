namespace CudaAttribution.GpuQueue.Queue;

/// <summary>What a user of the queue can mend: a damaged file, a wrong argument, a folder that is in use.</summary>
internal sealed class QueueException(string message, Exception? inner = null) : Exception(message, inner);
