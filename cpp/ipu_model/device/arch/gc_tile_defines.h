// The control registers that the model answers for, see ipu_builtins.h.
#pragma once

#define CSR_W_WSR__INDEX 112
#define CSR_W_WSR__CTXTID_M1__MASK 7
#define CSR_W_REPEAT_COUNT__VALUE__MASK 0xFFFF
