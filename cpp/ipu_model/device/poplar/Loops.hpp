// Types of hardware loop counts.
#pragma once

#include <ipudef.h>
