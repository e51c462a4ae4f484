// How many processors this process may use.
#pragma once

#include <string>

namespace cuattr {

// The processors that the calling thread may run on, or fewer where the quota is less; a part of a processor counts as one. At least 1.
int usable_processors(const std::string &root = "");

// Processors' worth of time that the control group of this process, of version 1 or 2, and the groups around it allow; infinity without a limit.
// root: the folder that /proc and the mounts are looked for in.
double processor_quota(const std::string &root);

} // namespace cuattr
