#include "steps.hpp"

#include <poplar/Vertex.hpp>

class CollatzStep : public poplar::Vertex {
public:
  poplar::InOut<unsigned> value;
  poplar::InOut<unsigned> steps;
  poplar::Output<bool> running;

  void compute() {
    *value = *value % 2 ? STEP_ODD(*value) : *value / 2;
    *steps += 1;
    *running = *value != 1;
  }
};
