#pragma once
#include "GraphElements.hpp"
