#pragma once
#include "ElementWise.hpp"
