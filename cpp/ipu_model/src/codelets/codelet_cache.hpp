// The folder of compiled codelets, shared by all programs of a user.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace ipu_model {

/// 128 bits of FNV-1a over texts and their lengths, as hexadecimal.
std::string contentHash(const std::vector<std::string> &texts);

/// Where compiled codelets are kept: IPU_MODEL_CACHE, else ipu_model in XDG_CACHE_HOME or ~/.cache, else a folder of
/// this user among the temporary files. Made if missing; throws poplar::graph_program_compilation_error if it cannot
/// be made or belongs to somebody else, because code is loaded from it.
std::filesystem::path codeletCacheFolder();

/// The cached file of that name, made by `make(path)` if it is not there. Other processes see either no file or the
/// whole file.
std::filesystem::path cachedFile(const std::string &name,
                                 const std::function<void(const std::filesystem::path &)> &make);

/// A folder that is removed with everything in it.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  const std::filesystem::path &path() const { return path_; }

private:
  std::filesystem::path path_;
};

} // namespace ipu_model
