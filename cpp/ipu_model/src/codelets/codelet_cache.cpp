#include "codelet_cache.hpp"

#include <poplar/exceptions.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace ipu_model {
namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string &what, const fs::path &path) {
  throw poplar::graph_program_compilation_error(
      "codelet cache: " + what + " " + path.string() +
      "; set the environment variable IPU_MODEL_CACHE to a folder of yours that can be written");
}

fs::path chosenFolder() {
  const auto variable = [](const char *name) -> fs::path {
    const char *value = std::getenv(name);
    return value ? value : "";
  };
  if (const fs::path named = variable("IPU_MODEL_CACHE"); !named.empty()) return named;
  if (const fs::path cache = variable("XDG_CACHE_HOME"); cache.is_absolute()) return cache / "ipu_model";
  if (const fs::path home = variable("HOME"); home.is_absolute()) return home / ".cache" / "ipu_model";
  return fs::temp_directory_path() / ("ipu_model-" + std::to_string(getuid()));
}

} // namespace

std::string contentHash(const std::vector<std::string> &texts) {
  // Two 64-bit streams with different offsets stand in for one of 128 bits.
  std::array<std::uint64_t, 2> state{0xCBF29CE484222325u, 0x6C62272E07BB0142u};
  const auto add = [&](unsigned char byte) {
    for (std::uint64_t &s : state) s = (s ^ byte) * 0x100000001B3u;
    state[1] ^= state[1] >> 29;
  };
  for (const std::string &text : texts) {
    for (std::size_t n = text.size(), i = 0; i < 8; ++i, n >>= 8) add(static_cast<unsigned char>(n));
    for (const char c : text) add(static_cast<unsigned char>(c));
  }
  std::string hex;
  for (const std::uint64_t s : state)
    for (int shift = 60; shift >= 0; shift -= 4) hex += "0123456789abcdef"[s >> shift & 15];
  return hex;
}

fs::path codeletCacheFolder() {
  const fs::path folder = chosenFolder();
  std::error_code error;
  if (!fs::exists(folder, error)) {
    fs::create_directories(folder, error);
    if (!error) fs::permissions(folder, fs::perms::owner_all, error);
    if (error) fail("cannot make the folder (" + error.message() + ")", folder);
  }
  struct stat status;
  if (stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) fail("not a folder:", folder);
  if (status.st_uid != geteuid() || status.st_mode & S_IWOTH) fail("others can write code into", folder);
  return folder;
}

fs::path cachedFile(const std::string &name, const std::function<void(const fs::path &)> &make) {
  const fs::path file = codeletCacheFolder() / name;
  std::error_code error;
  if (fs::exists(file, error)) return file;
  const fs::path unfinished = file.string() + "." + std::to_string(getpid()) + ".part";
  make(unfinished);
  fs::rename(unfinished, file, error); // atomic: the folder is the same
  if (error) fail("cannot keep (" + error.message() + ")", file);
  return file;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "ipu_model-XXXXXX").string();
  if (!mkdtemp(pattern.data())) fail(std::string("no temporary folder (") + std::strerror(errno) + "):", pattern);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

} // namespace ipu_model
