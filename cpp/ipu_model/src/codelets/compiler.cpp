#include "compiler.hpp"

#include "subprocess.hpp"

#include <poplar/exceptions.hpp>

#include <cstdlib>
#include <utility>

#ifndef IPU_MODEL_DEVICE_INCLUDE
#error "the build defines IPU_MODEL_DEVICE_INCLUDE, the folder of the headers that codelets include"
#endif
#ifndef IPU_MODEL_HOST_INCLUDE
#error "the build defines IPU_MODEL_HOST_INCLUDE, the folder of the headers that host programs include"
#endif

namespace ipu_model {
namespace {

void refuse(const std::string &what, const std::string &errors) {
  throw poplar::graph_program_compilation_error("codelet compilation failed (" + what + "):\n" + errors);
}

} // namespace

const CodeletCompiler &CodeletCompiler::instance() {
  static const CodeletCompiler compiler;
  return compiler;
}

CodeletCompiler::CodeletCompiler() {
  std::vector<std::string> candidates{"clang++", "g++"};
  if (const char *named = std::getenv("IPU_MODEL_CXX")) candidates = {named};
  for (const std::string &candidate : candidates) {
    const ProcessResult version = runProcess({candidate, "--version"});
    if (version.status != 0) continue;
    program_ = candidate;
    identity_ = candidate + ": " + version.output.substr(0, version.output.find('\n'));
    return;
  }
  std::string tried;
  for (const std::string &candidate : candidates) tried += " " + candidate;
  throw poplar::graph_program_compilation_error(
      "codelets need a C++ compiler at run time, none works of:" + tried +
      "; install clang, or name a compiler in the environment variable IPU_MODEL_CXX");
}

std::vector<std::string> CodeletCompiler::command(const std::vector<std::string> &flags) const {
  // No exceptions, type information or fused multiply-adds on a tile.
  std::vector<std::string> words{program_, "-std=gnu++17", "-O2", "-fPIC", "-fvisibility=hidden", "-fno-exceptions",
                                 "-fno-rtti", "-ffp-contract=off", "-D__POPC__", "-D__IPU_ARCH_VERSION__=2",
                                 // popc knows attributes that the host's compilers do not.
                                 "-Wno-attributes", "-Wno-unknown-attributes", "-Wno-ignored-attributes"};
  words.insert(words.end(), flags.begin(), flags.end());
  for (const char *folder : {IPU_MODEL_DEVICE_INCLUDE, IPU_MODEL_HOST_INCLUDE})
    words.insert(words.end(), {"-isystem", folder});
  return words;
}

std::string CodeletCompiler::preprocess(const std::string &source, const std::string &text,
                                        const std::vector<std::string> &flags, std::string &messages) const {
  std::vector<std::string> words = command(flags);
  words.insert(words.end(), {"-E", "-x", "c++", source.empty() ? "-" : source});
  ProcessResult result = runProcess(words, text);
  if (result.status != 0) refuse("preprocessing " + (source.empty() ? "text" : source), result.errors);
  messages += result.errors;
  return std::move(result.output);
}

void CodeletCompiler::compileForReflection(const std::string &preprocessed, const std::vector<std::string> &flags,
                                           const std::filesystem::path &object, std::string &messages) const {
  std::vector<std::string> words = command(flags);
  words.insert(words.end(), {"-Wno-unused-command-line-argument", "-O0", "-g", "-fno-eliminate-unused-debug-types",
                             "-shared", "-x", "c++-cpp-output", "-", "-o", object.string()});
  const ProcessResult result = runProcess(words, preprocessed);
  if (result.status != 0) refuse(program_, result.errors);
  messages += result.errors;
}

void CodeletCompiler::compileForExecution(const std::string &preprocessed, const std::vector<std::string> &flags,
                                          const std::filesystem::path &object) const {
  std::vector<std::string> words = command(flags);
  // -w: the first pass has shown the warnings; what is left would be about generated text.
  words.insert(words.end(), {"-w", "-fno-access-control", "-shared", "-Wl,-z,defs", "-x", "c++-cpp-output", "-", "-o",
                             object.string()});
  const ProcessResult result = runProcess(words, preprocessed);
  if (result.status != 0) refuse(program_ + ", entry points", result.errors);
}

std::vector<std::string> splitFlags(const std::string &flags) {
  std::vector<std::string> words;
  std::string word;
  bool inWord = false;
  char quote = 0;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    const char c = flags[i];
    if (c == '\\' && quote != '\'' && i + 1 < flags.size()) {
      word += flags[++i];
      inWord = true;
    } else if (quote ? c == quote : c == '"' || c == '\'') {
      quote = quote ? 0 : c;
      inWord = true;
    } else if (!quote && (c == ' ' || c == '\t' || c == '\n')) {
      if (inWord) words.push_back(std::exchange(word, {}));
      inWord = false;
    } else {
      word += c;
      inWord = true;
    }
  }
  if (quote) throw poplar::graph_program_compilation_error("unclosed quote in codelet compile flags: " + flags);
  if (inWord) words.push_back(word);
  return words;
}

} // namespace ipu_model
