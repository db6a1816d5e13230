"""Images as a modality: reading, seven blocks, own meta-features, folders of classes."""
