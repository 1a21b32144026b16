#pragma once
#include "Operation.hpp"
