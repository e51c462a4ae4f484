// Runs one kernel of selftest_wrong.cu on the simt library of this build; returns 0 where nothing noticed the fault.
#pragma once

int run_wrong_kernel(const char *kernel);
