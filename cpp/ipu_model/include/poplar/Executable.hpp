#pragma once
#include "Engine.hpp"
