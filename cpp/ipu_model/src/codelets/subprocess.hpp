// Runs another program and collects what it says.
#pragma once

#include <string>
#include <vector>

namespace ipu_model {

struct ProcessResult {
  int status;         ///< exit code; 127 if the program could not be started
  std::string output; ///< standard output
  std::string errors; ///< standard error
};

/// `arguments[0]` is looked up in PATH; `input` is the program's standard input.
ProcessResult runProcess(const std::vector<std::string> &arguments, const std::string &input = "");

} // namespace ipu_model
