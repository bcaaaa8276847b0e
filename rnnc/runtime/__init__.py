"""Training, optimisers and data for any module that meets the protocol; never imports the compiler."""
