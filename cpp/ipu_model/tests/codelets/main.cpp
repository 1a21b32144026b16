// Tests of the codelet part: they need no graph and no engine. Compiled codelets go to a folder of their own.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "codelets/codelet_cache.hpp"

#include <cstdlib>

int main(int argc, char** argv) {
  const ipu_model::TemporaryFolder cache;
  setenv("IPU_MODEL_CACHE", (cache.path() / "codelets").c_str(), 1);
  return doctest::Context(argc, argv).run();
}
