// The second source of more_sources.cpp.
#include "helper.hpp"

int helper() { return HELPER_ANSWER; }
