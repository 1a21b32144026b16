// The host compiler in the place of popc.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ipu_model {

/// clang++, or g++ where there is none; the environment variable IPU_MODEL_CXX names another.
class CodeletCompiler {
public:
  /// Throws poplar::graph_program_compilation_error if there is no compiler.
  static const CodeletCompiler &instance();

  /// Name and version: part of the key of every cached codelet.
  const std::string &identity() const { return identity_; }

  /// The source with all its headers, line markers kept. `source` is a path, or empty to read `text`.
  std::string preprocess(const std::string &source, const std::string &text, const std::vector<std::string> &flags,
                         std::string &messages) const;

  /// A shared object with full debug information and no optimisation, to reflect on.
  void compileForReflection(const std::string &preprocessed, const std::vector<std::string> &flags,
                            const std::filesystem::path &object, std::string &messages) const;

  /// An optimised shared object that needs nothing but the standard libraries. Ignores access control.
  void compileForExecution(const std::string &preprocessed, const std::vector<std::string> &flags,
                           const std::filesystem::path &object) const;

private:
  CodeletCompiler();
  std::vector<std::string> command(const std::vector<std::string> &flags) const;

  std::string program_;
  std::string identity_;
};

/// Splits compile flags as a shell does: blanks separate, quotes and backslashes keep.
std::vector<std::string> splitFlags(const std::string &flags);

} // namespace ipu_model
