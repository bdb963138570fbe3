"""Trains a network with PyTorch and writes what tests/pytorch.rs compares with; or reads a network that was exported.

    train.py train MNIST_DIR OUT     writes the network, and the test images with their outputs and classes, to OUT
    train.py classify MNIST_DIR FILE CLASSES    classifies the test images with an exported .safetensors or .npz

Needs torch, numpy and safetensors; torch without CUDA is enough.
"""

import gzip
import os
import sys

import numpy
import safetensors.torch
import torch
from torch import nn

MEAN, STD = 0.1307, 0.3081


def read(directory, name, header):
    """The bytes of an IDX file behind its header."""
    path = os.path.join(directory, name)
    data = open(path, "rb").read() if os.path.exists(path) else gzip.open(path + ".gz").read()
    return torch.from_numpy(numpy.frombuffer(data, numpy.uint8, offset=header).copy())


def images(directory, name):
    return read(directory, name, 16).reshape(-1, 784)


def transform(pixels):
    """What torchvision's ToTensor and Normalize compute."""
    return (pixels.float() / 255 - MEAN) / STD


class Net(nn.Module):
    def __init__(self, inputs=784, hidden=128, outputs=10, bias=True):
        super().__init__()
        self.fc1 = nn.Linear(inputs, hidden, bias)
        self.fc2 = nn.Linear(hidden, outputs, bias)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


def train(mnist, out):
    torch.manual_seed(1)
    x, labels = images(mnist, "train-images-idx3-ubyte"), read(mnist, "train-labels-idx1-ubyte", 8).long()
    net = Net()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.5)
    for batch in torch.randperm(len(x))[: 500 * 64].split(64):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(transform(x[batch])), labels[batch]).backward()
        optimiser.step()
    test = images(mnist, "t10k-images-idx3-ubyte")
    with torch.no_grad():
        outputs = net(transform(test))
    classes = outputs.argmax(1).byte()
    correct = (classes == read(mnist, "t10k-labels-idx1-ubyte", 8)).float().mean()
    print(f"PyTorch {torch.__version__}: {correct:.2%}")
    safetensors.torch.save_file(net.state_dict(), os.path.join(out, "net.safetensors"))
    torch.save(net.state_dict(), os.path.join(out, "net.pt"))
    half = {name: tensor.to(torch.bfloat16) for name, tensor in net.state_dict().items()}
    safetensors.torch.save_file(half, os.path.join(out, "half.safetensors"))
    # As `numpy.savez("net.npz", *model.get_weights())` of a Keras model.
    weights = [tensor.numpy().T for tensor in net.state_dict().values()]
    numpy.savez_compressed(os.path.join(out, "keras.npz"), *weights)
    test.numpy().tofile(os.path.join(out, "images.u8"))
    outputs.numpy().tofile(os.path.join(out, "outputs.f32"))
    classes.numpy().tofile(os.path.join(out, "classes.u8"))


def classify(mnist, file, out):
    if file.endswith(".npz"):
        arrays = numpy.load(file)
        names = {"w1": "fc1.weight", "b1": "fc1.bias", "w2": "fc2.weight", "b2": "fc2.bias"}
        state = {names[name]: torch.from_numpy(array.T.copy()) for name, array in arrays.items()}
    else:
        state = safetensors.torch.load_file(file)
    hidden, inputs = state["fc1.weight"].shape
    net = Net(inputs, hidden, len(state["fc2.weight"]), "fc1.bias" in state)
    net.load_state_dict(state)
    with torch.no_grad():
        classes = net(images(mnist, "t10k-images-idx3-ubyte").float()).argmax(1).byte()
    classes.numpy().tofile(out)


if __name__ == "__main__":
    commands = {"train": train, "classify": classify}
    commands[sys.argv[1]](*sys.argv[2:])
