#include <poplar/Vertex.hpp>

class RowProduct : public poplar::Vertex {
public:
  poplar::Input<poplar::Vector<float>> row;
  poplar::Input<poplar::Vector<float>> in;
  poplar::Output<float> out;

  bool compute() {
    float sum = 0;
    for (unsigned i = 0; i < row.size(); ++i)
      sum += row[i] * in[i];
    *out = sum;
    return true;
  }
};
