// printf in codelets writes to the standard output of the program.
#pragma once

#include <stdio.h>
