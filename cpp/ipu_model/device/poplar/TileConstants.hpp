// Constants of a tile that codelets compute with.
#pragma once

#include <arch/gc_tile_defines.h>

#define CTXT_WORKERS 6
#define NUM_WORKERS 6
