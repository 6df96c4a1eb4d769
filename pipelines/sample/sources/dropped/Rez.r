/* Resource fork of a picture */
data 'icns' (128) {
    $"0000 0000"
};
