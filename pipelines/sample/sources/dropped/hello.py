"""Says hello; sagemaker and numpylike are no mathematics. # import numpy"""

from sagemaker.session import Session

print("import numpy")
