// Replays recorded launches on the libraries of this build: block sizes and thread orders that the program itself does not use, under
// the sanitizer of this build; every replay must leave the recorded bits.
#pragma once

#include <string>
#include <vector>

// Returns the process's exit code. A product kernel that no file exercises is a failure.
int replay_recordings(const std::vector<std::string> &files);
