// More than one source, an include folder, a macro, arguments and an exit code.
#include "helper.hpp"

#include <poplar/Graph.hpp>

#include <cstdio>
#include <cstring>

int main(int argc, char **argv) {
  if (argc != 3 || std::strcmp(argv[1], "--flag") || std::strcmp(argv[2], "two words"))
    return 1;
  std::puts("helped");
  return helper();
}
