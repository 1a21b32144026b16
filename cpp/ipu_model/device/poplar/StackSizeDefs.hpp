// Stack usage notes of recursive codelets. The model checks only that they are well formed: its stack allowance
// is per tile.
#pragma once

#define DEF_STACK_USAGE(bytes, function) static_assert((bytes) >= 0, "stack usage in bytes")
#define DEF_STACK_SIZE_OWN(bytes, function) static_assert((bytes) >= 0, "stack usage in bytes")
#define DEF_FUNC_CALLS(...) static_assert(true)
#define DEF_FUN_CALLS(...) static_assert(true)
#define DEF_FUNC_CALL_PTRS(...) static_assert(true)
#define DEF_FUNCTION_CALL_PTRS(...) static_assert(true)
