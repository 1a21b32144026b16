#include "subprocess.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

extern char **environ;

namespace ipu_model {
namespace {

struct CloseFile {
  void operator()(std::FILE *file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// Anonymous files instead of pipes: no deadlock however much the program writes before it reads.
File anonymousFile() {
  File file(std::tmpfile());
  if (file) fcntl(fileno(file.get()), F_SETFD, FD_CLOEXEC);
  return file;
}

std::string contents(std::FILE *file) {
  std::string text;
  std::rewind(file);
  char block[65536];
  while (const std::size_t n = std::fread(block, 1, sizeof block, file)) text.append(block, n);
  return text;
}

} // namespace

ProcessResult runProcess(const std::vector<std::string> &arguments, const std::string &input) {
  const File in = anonymousFile(), out = anonymousFile(), err = anonymousFile();
  if (!in || !out || !err)
    return {127, "", "cannot make a temporary file for '" + arguments[0] + "': " + std::strerror(errno)};
  if (std::fwrite(input.data(), 1, input.size(), in.get()) != input.size())
    return {127, "", "cannot write a temporary file for '" + arguments[0] + "': " + std::strerror(errno)};
  std::rewind(in.get());

  std::vector<char *> argv;
  for (const std::string &argument : arguments) argv.push_back(const_cast<char *>(argument.c_str()));
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(in.get()), 0);
  posix_spawn_file_actions_adddup2(&actions, fileno(out.get()), 1);
  posix_spawn_file_actions_adddup2(&actions, fileno(err.get()), 2);
  pid_t pid;
  const int error = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error) return {127, "", "cannot run '" + arguments[0] + "': " + std::strerror(error)};

  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return {127, "", "lost '" + arguments[0] + "': " + std::strerror(errno)};
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), contents(out.get()), contents(err.get())};
}

} // namespace ipu_model
